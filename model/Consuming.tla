------------------------------ MODULE Consuming ------------------------------
(* The consumer side: the broker's queue, two processes of a service, inbox, key state, retries.

   All events are of one key and one handler. One process at a time gets deliveries, in batches; after
   a takeover the other one may still be working on its batch. A batch enters the inbox, locks the
   key, is handled and commits; then it is acked. An event that fails alone is stored as retrying, and
   later events of the key wait behind it. Retries handle failed events one at a time; when one is
   resolved, the next one becomes due. *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    Events,                \* 1, 2, ...: in the queue, in this order
    Processes,
    Batch,                 \* deliveries at once
    MaxFaults,
    AckAfterCommit,        \* an ack follows the commit
    InboxKnowsRepeats,     \* an event in the inbox is not handled again
    KeyLock,               \* the key's row is locked from entering to the commit, also by retries
    ParksBehindOpen,       \* an event waits while an earlier one of its key is unresolved
    PromotesNext,          \* resolving a message makes the next one due
    NoticesFailure         \* a process whose database failed returns its batch by itself

VARIABLES queue, active, phase, batch, plan, state, open, effects, retrying, attempt, faults

vars == <<queue, active, phase, batch, plan, state, open, effects, retrying, attempt, faults>>

Range(s) == {s[i] : i \in DOMAIN s}
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Final == {"handled", "discarded"}

Init ==
    /\ queue = [i \in 1..Cardinality(Events) |-> i]
    /\ active \in Processes
    /\ phase = [p \in Processes |-> "idle"]
    /\ batch = [p \in Processes |-> <<>>]
    /\ plan = [p \in Processes |-> <<>>]        \* what the open transaction has read: what to handle, what to park
    /\ state = [e \in Events |-> "none"]
    /\ open = 0
    /\ effects = <<>>
    /\ retrying = 0                              \* the event that a retry has claimed
    /\ attempt = "none"                          \* "in" while its transaction is open
    /\ faults = 0

Locked(p) == \E q \in Processes \ {p} : phase[q] = "entered"
Fault == faults < MaxFaults /\ faults' = faults + 1

\* ---- deliveries

Receive(p) ==
    /\ active = p /\ phase[p] = "idle" /\ queue # <<>>
    /\ \E n \in 1..Batch :
        /\ n <= Len(queue)
        /\ batch' = [batch EXCEPT ![p] = SubSeq(queue, 1, n)]
        /\ queue' = SubSeq(queue, n + 1, Len(queue))
    /\ phase' = [phase EXCEPT ![p] = "read"]
    /\ UNCHANGED <<active, plan, state, open, effects, retrying, attempt, faults>>

\* Enters a part of the batch: all of it, or after a failure one event at a time.
Enter(p) ==
    /\ phase[p] = "read"
    /\ KeyLock => ~Locked(p) /\ attempt # "in"
    /\ \E n \in {1, Len(batch[p])} :
        plan' = [plan EXCEPT ![p] = [
            part |-> n,
            fresh |-> SelectSeq(SubSeq(batch[p], 1, n),
                        LAMBDA e : ~InboxKnowsRepeats \/ state[e] = "none"),
            waits |-> ParksBehindOpen /\ open > 0]]
    /\ phase' = [phase EXCEPT ![p] = "entered"]
    /\ UNCHANGED <<queue, active, batch, state, open, effects, retrying, attempt, faults>>

Resolved(p, n) ==
    /\ batch' = [batch EXCEPT ![p] = SubSeq(@, n + 1, Len(@))]
    /\ phase' = [phase EXCEPT ![p] = IF Len(batch[p]) <= n THEN "idle" ELSE "read"]
    /\ plan' = [plan EXCEPT ![p] = <<>>]

Commit(p) ==
    /\ phase[p] = "entered"
    /\ LET fresh == plan[p].fresh
           to == IF plan[p].waits THEN "waiting" ELSE "handled"
       IN /\ state' = [e \in Events |-> IF e \in Range(fresh) THEN to ELSE state[e]]
          /\ open' = open + (IF plan[p].waits THEN Len(fresh) ELSE 0)
          /\ effects' = effects \o (IF plan[p].waits THEN <<>> ELSE fresh)
    /\ phase' = [phase EXCEPT ![p] = "committed"]
    /\ UNCHANGED <<queue, active, batch, plan, retrying, attempt, faults>>

\* The handler raises: one event is stored as retrying, in a separate transaction.
Fails(p) ==
    /\ Fault
    /\ phase[p] = "entered" /\ plan[p].part = 1 /\ ~plan[p].waits /\ plan[p].fresh # <<>>
    /\ state[plan[p].fresh[1]] = "none"
    /\ state' = [state EXCEPT ![plan[p].fresh[1]] = "retrying"]
    /\ open' = open + 1
    /\ phase' = [phase EXCEPT ![p] = "committed"]
    /\ UNCHANGED <<queue, active, batch, plan, effects, retrying, attempt>>

Ack(p) ==
    /\ phase[p] = "committed"
    /\ Resolved(p, plan[p].part)
    /\ UNCHANGED <<queue, active, state, open, effects, retrying, attempt, faults>>

AckFirst(p) ==
    /\ ~AckAfterCommit /\ phase[p] = "entered" /\ batch[p] # <<>>
    /\ batch' = [batch EXCEPT ![p] = <<>>]
    /\ UNCHANGED <<queue, active, phase, plan, state, open, effects, retrying, attempt, faults>>

\* ---- faults

\* The broker considers the process dead: its deliveries go to the other one, while it continues.
TakenOver(p) ==
    /\ Fault
    /\ active = p
    /\ \E q \in Processes \ {p} : phase[q] = "idle" /\ active' = q
    /\ queue' = batch[p] \o queue
    /\ batch' = [batch EXCEPT ![p] = <<>>]
    /\ phase' = [phase EXCEPT ![p] = IF @ = "read" THEN "idle" ELSE @]
    /\ UNCHANGED <<plan, state, open, effects, retrying, attempt>>

Killed(p) ==
    /\ Fault
    /\ phase[p] # "idle"
    /\ queue' = batch[p] \o queue
    /\ batch' = [batch EXCEPT ![p] = <<>>]
    /\ phase' = [phase EXCEPT ![p] = "idle"]
    /\ plan' = [plan EXCEPT ![p] = <<>>]
    /\ UNCHANGED <<active, state, open, effects, retrying, attempt>>

\* The database fails during the batch; nothing of it is resolved.
DatabaseFails(p) ==
    /\ Fault
    /\ phase[p] = "entered" /\ batch[p] # <<>>
    /\ phase' = [phase EXCEPT ![p] = "failed"]
    /\ UNCHANGED <<queue, active, batch, plan, state, open, effects, retrying, attempt>>

Notice(p) ==
    /\ phase[p] = "failed"
    /\ NoticesFailure \/ queue # <<>>
    /\ queue' = batch[p] \o queue
    /\ batch' = [batch EXCEPT ![p] = <<>>]
    /\ phase' = [phase EXCEPT ![p] = "idle"]
    /\ plan' = [plan EXCEPT ![p] = <<>>]
    /\ UNCHANGED <<active, state, open, effects, retrying, attempt, faults>>

\* ---- retries and operators

Waiting == {e \in Events : state[e] = "waiting"}

\* The event is resolved; the first visible one of those that wait becomes due.
Closed(e, to) ==
    state' = [f \in Events |->
        IF f = e THEN to
        ELSE IF PromotesNext /\ Waiting # {} /\ f = Min(Waiting) THEN "retrying"
        ELSE state[f]]

Claim(e) ==
    /\ retrying = 0 /\ state[e] = "retrying"
    /\ retrying' = e
    /\ UNCHANGED <<queue, active, phase, batch, plan, state, open, effects, attempt, faults>>

Attempt ==
    /\ retrying # 0 /\ attempt = "none"
    /\ IF state[retrying] = "retrying"
       THEN /\ KeyLock => \A p \in Processes : phase[p] # "entered"
            /\ attempt' = "in" /\ UNCHANGED retrying
       ELSE retrying' = 0 /\ UNCHANGED attempt
    /\ UNCHANGED <<queue, active, phase, batch, plan, state, open, effects, faults>>

Succeeds ==
    /\ attempt = "in"
    /\ Closed(retrying, "handled")
    /\ open' = open - 1
    /\ effects' = Append(effects, retrying)
    /\ retrying' = 0 /\ attempt' = "none"
    /\ UNCHANGED <<queue, active, phase, batch, plan, faults>>

FailsAgain ==
    /\ Fault
    /\ attempt = "in"
    /\ state' = [state EXCEPT ![retrying] = "dead"]
    /\ retrying' = 0 /\ attempt' = "none"
    /\ UNCHANGED <<queue, active, phase, batch, plan, open, effects>>

ReplayDead(e) ==
    /\ state[e] = "dead"
    /\ state' = [state EXCEPT ![e] = "retrying"]
    /\ UNCHANGED <<queue, active, phase, batch, plan, open, effects, retrying, attempt, faults>>

Discard(e) ==
    /\ Fault
    /\ state[e] \in {"dead", "retrying"} /\ ~(attempt = "in" /\ retrying = e)
    /\ KeyLock => \A p \in Processes : phase[p] # "entered"
    /\ Closed(e, "discarded")
    /\ open' = open - 1
    /\ UNCHANGED <<queue, active, phase, batch, plan, effects, retrying, attempt>>

Progress ==
    \/ \E p \in Processes : Receive(p) \/ Enter(p) \/ Commit(p) \/ Ack(p) \/ Notice(p)
    \/ \E e \in Events : Claim(e) \/ ReplayDead(e)
    \/ Attempt \/ Succeeds

Next ==
    \/ Progress
    \/ \E p \in Processes : AckFirst(p) \/ Fails(p) \/ TakenOver(p) \/ Killed(p) \/ DatabaseFails(p)
    \/ FailsAgain
    \/ \E e \in Events : Discard(e)

Spec == Init /\ [][Next]_vars
FairSpec == Spec /\ WF_vars(Progress)

\* ---- the promise

ExactlyOnce == \A i, j \in DOMAIN effects : effects[i] = effects[j] => i = j

\* An event takes effect only after all earlier ones, except discarded ones.
InOrder ==
    \A i \in DOMAIN effects : \A e \in Events :
        e < effects[i] => state[e] = "discarded" \/ \E j \in 1..(i - 1) : effects[j] = e

\* Every event that the broker no longer holds is known here.
NothingLost ==
    \A e \in Events :
        state[e] = "none" => e \in Range(queue) \/ \E p \in Processes : e \in Range(batch[p])

\* Every waiting event has an unresolved one before it.
NobodyForgotten == Waiting # {} => \E e \in Events : state[e] \in {"retrying", "dead"}

Counted == open = Cardinality({e \in Events : state[e] \in {"retrying", "waiting", "dead"}})

\* Every event is resolved in the end.
Resolves == <>[](\A e \in Events : state[e] \in Final)
=============================================================================
