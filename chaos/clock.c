/* Preloaded into a process, gives it a clock that is CLOCK_SHIFT seconds ahead. Monotonic clocks stay.
 *
 * libfaketime does the same, but leaves out the waits of C11, so that those of librdkafka never end:
 * a wait until a time of the shifted clock must be shifted back.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>

#define MONOTONIC_AT_MOST 1000000000 /* a machine that has run for 30 years */
#define COND_VERSION "GLIBC_2.3.2"   /* before that version the structure was another one */

static time_t shift(void) {
  const char *given = getenv("CLOCK_SHIFT");
  return given ? atol(given) : 0;
}

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

int clock_gettime(clockid_t which, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = next("clock_gettime");
  int failed = real(which, at);
  if (!failed && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) at->tv_sec += shift();
  return failed;
}

time_t time(time_t *to) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (to) *to = at.tv_sec;
  return at.tv_sec;
}

int gettimeofday(struct timeval *at, void *zone) {
  struct timespec found;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &found);
  at->tv_sec = found.tv_sec;
  at->tv_usec = found.tv_nsec / 1000;
  return 0;
}

int timespec_get(struct timespec *at, int base) {
  if (base == TIME_UTC) clock_gettime(CLOCK_REALTIME, at);
  return base;
}

static struct timespec back(const struct timespec *until) {
  struct timespec found = *until;
  if (found.tv_sec > MONOTONIC_AT_MOST) found.tv_sec -= shift();
  return found;
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
  static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", COND_VERSION);
  if (!real) real = next("pthread_cond_timedwait");
  struct timespec at = back(until);
  return real(cond, mutex, &at);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until) {
  static int (*real)(pthread_mutex_t *, const struct timespec *);
  if (!real) real = next("pthread_mutex_timedlock");
  struct timespec at = back(until);
  return real(mutex, &at);
}

int sem_timedwait(sem_t *sem, const struct timespec *until) {
  static int (*real)(sem_t *, const struct timespec *);
  if (!real) real = next("sem_timedwait");
  struct timespec at = back(until);
  return real(sem, &at);
}

int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until) {
  static int (*real)(cnd_t *, mtx_t *, const struct timespec *);
  if (!real) real = next("cnd_timedwait");
  struct timespec at = back(until);
  return real(cond, mutex, &at);
}
