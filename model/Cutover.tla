------------------------------- MODULE Cutover -------------------------------
(* From history to live events: a new reader, or one that consumes a replay, under live traffic.

   All events are of one key. The request ("job") sends a low watermark (the begin mark), then in each
   pass the events that are new in a snapshot of the log, then a high watermark (the end mark). Between
   the watermarks the reader drops live events. A reader's process keeps the open watermarks in memory
   and in its database; another process stands by. *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    Last,                    \* events 1..Last are committed in this order
    Since,                   \* the replay sends the events from this one on
    New,                     \* the reader is new: its queue is not bound at first
    MaxFaults,
    JobBeforeMark,           \* the request is committed before its low watermark is published
    BoundBehindMark,         \* a new reader's queue is bound after the low watermark
    EndBehindBound,          \* the high watermark follows only once the queue is bound
    LastPassAlone,           \* no live event is sent between the last pass and a confirmed high watermark
    OpenUntilEnd,            \* a request whose low watermark is sent ends only by its high watermark
    MarksLoadedWhenActive,   \* a process loads the open watermarks when it becomes active
    DropsOnlyWhatIsBrought,  \* only events that the replay will send are dropped
    BringsBehindSent,        \* no event is replayed before an earlier unsent one of its key
    EndedStaysEnded,         \* a low watermark of an ended request is ignored
    BarrierWaitsForEnd,      \* a barrier between the watermarks counts only after the high watermark
    EndsWithWhatWasDropped   \* a high watermark counts only when everything dropped has been replayed

VARIABLES committed, sent, bound, job, marked, brought, pass, ending, wire, queue,
          active, mind, opened, ended, dropped, inbox, effects, barrier, held, passed, faults

owner == <<committed, sent, bound, job, marked, brought, pass, ending>>
reader == <<active, mind, opened, ended, dropped, inbox, effects, barrier, held, passed>>
vars == <<committed, sent, bound, job, marked, brought, pass, ending, wire, queue,
          active, mind, opened, ended, dropped, inbox, effects, barrier, held, passed, faults>>

Processes == {"a", "b"}
Message(kind, e) == <<kind, e>>
Begin == Message("begin", 0)
End == Message("end", 0)

Init ==
    /\ committed = 0 /\ sent = 0            \* the number of events
    /\ bound = ~New
    /\ job = "none" /\ marked = FALSE       \* whether the low watermark is sent
    /\ brought = Since - 1                  \* the last event that the request has sent
    /\ pass = Since - 1                     \* the last event that the last snapshot saw
    /\ ending = FALSE                       \* between the last pass and a confirmed high watermark
    /\ wire = {}                            \* what a frozen relay or a broken connection may still deliver
    /\ queue = <<>>
    /\ active = "a"
    /\ mind = [p \in Processes |-> FALSE]   \* what a process knows of open watermarks
    /\ opened = FALSE /\ ended = FALSE      \* what the reader's database knows
    /\ dropped = {}
    /\ inbox = {} /\ effects = <<>>
    /\ barrier = 0                          \* the last event before it
    /\ held = FALSE /\ passed = FALSE
    /\ faults = 0

Fault == faults < MaxFaults /\ faults' = faults + 1

\* ---- the owner

Commit ==
    /\ committed < Last
    /\ committed' = committed + 1
    /\ UNCHANGED <<sent, bound, job, marked, brought, pass, ending, wire, queue, faults>>
    /\ UNCHANGED reader

SendLive ==
    /\ sent < committed
    /\ LastPassAlone => ~ending
    /\ sent' = sent + 1
    /\ queue' = IF bound THEN Append(queue, Message("live", sent + 1)) ELSE queue
    /\ UNCHANGED <<committed, bound, job, marked, brought, pass, ending, wire, faults>>
    /\ UNCHANGED reader

File ==
    /\ job = "none"
    /\ JobBeforeMark \/ marked
    /\ job' = "open"
    /\ UNCHANGED <<committed, sent, bound, marked, brought, pass, ending, wire, queue, faults>>
    /\ UNCHANGED reader

SendBegin ==
    /\ ~marked
    /\ JobBeforeMark => job = "open"
    /\ queue' = Append(queue, Begin)
    /\ \/ marked' = TRUE /\ UNCHANGED <<wire, faults>>
       \/ Fault /\ UNCHANGED <<marked, wire>>                     \* accepted, but not confirmed
    /\ UNCHANGED <<committed, sent, bound, job, brought, pass, ending>> /\ UNCHANGED reader

\* A frozen relay still holds the watermark; its successor sends it again.
FreezeBegin ==
    /\ Fault /\ ~marked
    /\ job = "open"
    /\ wire' = wire \cup {Begin}
    /\ UNCHANGED <<queue>> /\ UNCHANGED owner /\ UNCHANGED reader

Interrupted ==
    /\ Fault
    /\ job = "none" /\ marked
    /\ job' = "given up"
    /\ UNCHANGED <<committed, sent, bound, marked, brought, pass, ending, wire, queue>>
    /\ UNCHANGED reader

Bind ==
    /\ ~bound
    /\ BoundBehindMark => marked
    /\ bound' = TRUE
    /\ UNCHANGED <<committed, sent, job, marked, brought, pass, ending, wire, queue, faults>>
    /\ UNCHANGED reader

Snapshot ==
    /\ job = "open" /\ marked /\ ~ending
    /\ brought = pass /\ pass < committed
    /\ pass' = committed
    /\ UNCHANGED <<committed, sent, bound, job, marked, brought, ending, wire, queue, faults>>
    /\ UNCHANGED reader

Bring ==
    /\ job = "open" /\ brought < pass
    /\ BringsBehindSent => sent >= Since - 1
    /\ brought' = brought + 1
    /\ queue' = Append(queue, Message("directed", brought + 1))
    /\ UNCHANGED <<committed, sent, bound, job, marked, pass, ending, wire, faults>>
    /\ UNCHANGED reader

\* The last read of the log: everything left to replay has been sent live by now.
LastPass ==
    /\ job = "open" /\ marked /\ ~ending /\ brought = pass
    /\ pass = committed \/ committed < Since
    /\ EndBehindBound => bound
    /\ ending' = TRUE
    /\ UNCHANGED <<committed, sent, bound, job, marked, brought, pass, wire, queue, faults>>
    /\ UNCHANGED reader

SendEnd ==
    /\ job = "open" /\ ending
    /\ queue' = Append(queue, End)
    /\ job' = "done" /\ ending' = FALSE
    /\ UNCHANGED <<committed, sent, bound, marked, brought, pass, wire, faults>>
    /\ UNCHANGED reader

\* The high watermark is in flight, unconfirmed: the request makes another pass and sends it again.
EndUnconfirmed ==
    /\ Fault
    /\ job = "open" /\ ending
    /\ wire' = wire \cup {End}
    /\ ending' = FALSE
    /\ UNCHANGED <<committed, sent, bound, job, marked, brought, pass, queue>>
    /\ UNCHANGED reader

JobFails ==
    /\ Fault
    /\ ~OpenUntilEnd /\ job = "open" /\ marked
    /\ job' = "failed"
    /\ UNCHANGED <<committed, sent, bound, marked, brought, pass, ending, wire, queue>>
    /\ UNCHANGED reader

SendBarrier ==
    /\ barrier = 0 /\ committed > 0 /\ sent = committed
    /\ New => marked
    /\ barrier' = committed
    /\ queue' = Append(queue, Message("barrier", 0))
    /\ UNCHANGED <<active, mind, opened, ended, dropped, inbox, effects, held, passed, wire, faults>>
    /\ UNCHANGED owner

Arrive ==
    \E m \in wire :
        /\ wire' = wire \ {m}
        /\ queue' = Append(queue, m)
        /\ UNCHANGED faults /\ UNCHANGED owner /\ UNCHANGED reader

\* ---- the reader

Drops(e) == mind[active] /\ (DropsOnlyWhatIsBrought => e >= Since)
Closes == EndsWithWhatWasDropped => dropped \subseteq inbox
Opens == EndedStaysEnded => ~ended

\* Reads and commits the first message, and removes it from the queue unless the ack is lost.
Handle ==
    /\ queue # <<>>
    /\ LET kind == Head(queue)[1]
           e == Head(queue)[2]
           takes == \/ kind = "directed" /\ e \notin inbox
                    \/ kind = "live" /\ e \notin inbox /\ ~Drops(e)
       IN
       /\ inbox' = IF takes THEN inbox \cup {e} ELSE inbox
       /\ effects' = IF takes THEN Append(effects, e) ELSE effects
       /\ dropped' = IF kind = "live" /\ Drops(e) THEN dropped \cup {e} ELSE dropped
       /\ opened' = IF kind = "begin" /\ Opens THEN TRUE
                    ELSE IF kind = "end" /\ Closes THEN FALSE ELSE opened
       /\ ended' = (ended \/ (kind = "end" /\ Closes))
       /\ held' = (opened' /\ (held \/ (kind = "barrier" /\ BarrierWaitsForEnd)))
       /\ passed' = \/ passed
                    \/ kind = "barrier" /\ ~held'
                    \/ held /\ ~opened'
       /\ mind' = IF kind \in {"begin", "end"} THEN [mind EXCEPT ![active] = opened'] ELSE mind
    /\ \/ queue' = Tail(queue) /\ UNCHANGED <<active, faults>>
       \/ Fault /\ UNCHANGED queue /\ UNCHANGED active
    /\ UNCHANGED <<wire, barrier>> /\ UNCHANGED owner

\* The other process becomes active.
TakeOver ==
    /\ Fault
    /\ \E p \in Processes \ {active} :
        /\ active' = p
        /\ mind' = IF MarksLoadedWhenActive THEN [mind EXCEPT ![p] = opened] ELSE mind
    /\ UNCHANGED <<opened, ended, dropped, inbox, effects, barrier, held, passed, wire, queue>>
    /\ UNCHANGED owner

Next ==
    \/ Commit \/ SendLive \/ File \/ SendBegin \/ FreezeBegin \/ Interrupted \/ Bind \/ Snapshot
    \/ Bring \/ LastPass \/ SendEnd \/ EndUnconfirmed \/ JobFails \/ SendBarrier \/ Arrive \/ Handle \/ TakeOver

Spec == Init /\ [][Next]_vars

\* ---- the promise

InOrder == \A i, j \in DOMAIN effects : i < j => effects[i] < effects[j]

AtRest ==
    /\ committed = Last /\ sent = Last /\ bound
    /\ job \in {"done", "failed", "given up"} /\ queue = <<>> /\ wire = {}

\* The effects equal the log.
NothingMissed == AtRest => effects = [i \in 1..Last |-> i]

\* Once a barrier has passed, nothing before it is missing.
BarrierNeverAhead == passed => 1..barrier \subseteq inbox
=============================================================================
