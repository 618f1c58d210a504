----------------------------- MODULE Publishing -----------------------------
(* The publisher side: transactions that record events, the outbox, and the relay.

   Each transaction records one event. Under the lock of its key's counter it draws its sequence and
   its position, and it holds the lock until it has committed. One relay leads and reads the outbox;
   a former leader may still publish the events that it has read. Marking may lag behind the confirms.
   The broker may refuse, a connection may break, and messages then in flight may arrive later. *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    Events,              \* 1, 2, ...: each recorded by its own transaction
    Relays,
    MaxFaults,           \* the number of faults
    Window,              \* unconfirmed events of one key in flight at once
    PositionUnderLock,   \* positions are drawn while the counter is locked
    ConfirmBeforeMark,   \* an event is marked as sent only after its confirm
    RefusedIsUnsent,     \* a refusal is no confirm
    RefusedHoldsBack,    \* a refused event holds back the later ones of its key
    StopsBehindRefused   \* a broker that refuses an event refuses all later ones of its key in flight

VARIABLES tx, position, sequence, drawn, counter, outbox, failed,
          session, hand, unconfirmed, confirmed, wire, old, replies, queue, faults

vars == <<tx, position, sequence, drawn, counter, outbox, failed,
          session, hand, unconfirmed, confirmed, wire, old, replies, queue, faults>>
recording == <<tx, position, sequence, drawn, counter>>
relaying == <<outbox, failed, session, hand, unconfirmed, confirmed, wire, old, replies, queue, faults>>

Key(e) == e \div 3    \* events 1 and 2 have one key, 3 to 5 another
Keys == {Key(e) : e \in Events}
SameKey(e, S) == {f \in S : Key(f) = Key(e)}
Range(s) == {s[i] : i \in DOMAIN s}
Without(s, S) == SelectSeq(s, LAMBDA e : e \notin S)

Init ==
    /\ tx = [e \in Events |-> "new"]
    /\ position = [e \in Events |-> 0]
    /\ sequence = [e \in Events |-> 0]
    /\ drawn = 0
    /\ counter = [k \in Keys |-> 0]
    /\ outbox = {} /\ failed = {}
    /\ session \in Relays
    /\ hand = [r \in Relays |-> {}]
    /\ unconfirmed = [r \in Relays |-> {}]
    /\ confirmed = [r \in Relays |-> {}]
    /\ wire = [r \in Relays |-> <<>>]
    /\ old = [r \in Relays |-> <<>>]
    /\ replies = [r \in Relays |-> {}]
    /\ queue = <<>>
    /\ faults = 0

\* ---- transactions

DrawEarly(e) ==
    /\ ~PositionUnderLock /\ tx[e] = "new"
    /\ tx' = [tx EXCEPT ![e] = "drawn"]
    /\ drawn' = drawn + 1
    /\ position' = [position EXCEPT ![e] = drawn + 1]
    /\ UNCHANGED <<sequence, counter>> /\ UNCHANGED relaying

Lock(e) ==
    /\ tx[e] = (IF PositionUnderLock THEN "new" ELSE "drawn")
    /\ \A f \in SameKey(e, Events) : tx[f] # "locked"
    /\ tx' = [tx EXCEPT ![e] = "locked"]
    /\ counter' = [counter EXCEPT ![Key(e)] = @ + 1]
    /\ sequence' = [sequence EXCEPT ![e] = counter[Key(e)] + 1]
    /\ IF PositionUnderLock
       THEN drawn' = drawn + 1 /\ position' = [position EXCEPT ![e] = drawn + 1]
       ELSE UNCHANGED <<drawn, position>>
    /\ UNCHANGED relaying

Commit(e) ==
    /\ tx[e] = "locked"
    /\ tx' = [tx EXCEPT ![e] = "committed"]
    /\ outbox' = outbox \cup {e}
    /\ UNCHANGED <<position, sequence, drawn, counter, failed, session, hand, unconfirmed,
                   confirmed, wire, old, replies, queue, faults>>

RollBack(e) ==
    /\ tx[e] = "locked"
    /\ tx' = [tx EXCEPT ![e] = "undone"]
    /\ counter' = [counter EXCEPT ![Key(e)] = @ - 1]
    /\ UNCHANGED <<position, sequence, drawn>> /\ UNCHANGED relaying

\* ---- the relay

Readable(e) ==
    /\ e \notin failed
    /\ RefusedHoldsBack => \A b \in SameKey(e, outbox) : position[b] < position[e] => b \notin failed

Read(r) ==
    /\ session = r
    /\ \E e \in outbox : Readable(e) /\ e \notin hand[r]
    /\ hand' = [hand EXCEPT ![r] = @ \cup {e \in outbox : Readable(e)}]
    /\ UNCHANGED <<outbox, failed, session, unconfirmed, confirmed, wire, old, replies, queue, faults>>
    /\ UNCHANGED recording

\* Up to `Window` consecutive events of one key, in one call. Also by a former leader that still holds
\* some.
Send(r, e) ==
    LET ready == SameKey(e, hand[r] \ (unconfirmed[r] \cup confirmed[r])) IN
    /\ e \in ready
    /\ \A f \in ready : position[e] <= position[f]
    /\ SameKey(e, unconfirmed[r]) = {}
    /\ \E n \in 1..Window : n <= Cardinality(ready) /\
        \E line \in [1..n -> ready] :
            /\ \A i \in 1..n : Cardinality({f \in ready : position[f] < position[line[i]]}) = i - 1
            /\ unconfirmed' = [unconfirmed EXCEPT ![r] = @ \cup Range(line)]
            /\ wire' = [wire EXCEPT ![r] = @ \o line]
            /\ outbox' = IF ConfirmBeforeMark THEN outbox ELSE outbox \ Range(line)
    /\ UNCHANGED <<failed, session, hand, confirmed, old, replies, queue, faults>>
    /\ UNCHANGED recording

Confirmed(r) ==
    \E e \in Events :
        /\ <<e, "taken">> \in replies[r]
        /\ replies' = [replies EXCEPT ![r] = @ \ {<<e, "taken">>}]
        /\ unconfirmed' = [unconfirmed EXCEPT ![r] = @ \ {e}]
        /\ confirmed' = [confirmed EXCEPT ![r] = @ \cup {e}]
    /\ UNCHANGED <<outbox, failed, session, hand, wire, old, queue, faults>>
    /\ UNCHANGED recording

Refused(r) ==
    \E e \in Events :
        /\ <<e, "refused">> \in replies[r]
        /\ replies' = [replies EXCEPT ![r] = @ \ {<<e, "refused">>}]
        /\ unconfirmed' = [unconfirmed EXCEPT ![r] = @ \ {e}]
        /\ IF RefusedIsUnsent
           THEN /\ hand' = [hand EXCEPT ![r] = @ \ (SameKey(e, hand[r]) \ confirmed[r])]
                /\ failed' = IF session = r /\ e \in outbox THEN failed \cup {e} ELSE failed
                /\ UNCHANGED confirmed
           ELSE /\ confirmed' = [confirmed EXCEPT ![r] = @ \cup {e}]
                /\ UNCHANGED <<hand, failed>>
    /\ UNCHANGED <<outbox, session, wire, old, queue, faults>>
    /\ UNCHANGED recording

Mark(r) ==
    /\ session = r /\ confirmed[r] # {}
    /\ outbox' = outbox \ confirmed[r]
    /\ failed' = failed \ confirmed[r]
    /\ hand' = [hand EXCEPT ![r] = @ \ confirmed[r]]
    /\ confirmed' = [confirmed EXCEPT ![r] = {}]
    /\ UNCHANGED <<session, unconfirmed, wire, old, replies, queue, faults>>
    /\ UNCHANGED recording

Due(e) ==
    /\ e \in failed
    /\ failed' = failed \ {e}
    /\ UNCHANGED <<outbox, session, hand, unconfirmed, confirmed, wire, old, replies, queue, faults>>
    /\ UNCHANGED recording

\* ---- the broker

Take(r) ==
    /\ wire[r] # <<>>
    /\ queue' = Append(queue, Head(wire[r]))
    /\ wire' = [wire EXCEPT ![r] = Tail(@)]
    /\ replies' = [replies EXCEPT ![r] = @ \cup {<<Head(wire[r]), "taken">>}]
    /\ UNCHANGED <<outbox, failed, session, hand, unconfirmed, confirmed, old, faults>>
    /\ UNCHANGED recording

TakeOld(r) ==
    /\ old[r] # <<>>
    /\ queue' = Append(queue, Head(old[r]))
    /\ old' = [old EXCEPT ![r] = Tail(@)]
    /\ UNCHANGED <<outbox, failed, session, hand, unconfirmed, confirmed, wire, replies, faults>>
    /\ UNCHANGED recording

Refuse(r) ==
    /\ wire[r] # <<>> /\ faults < MaxFaults
    /\ faults' = faults + 1
    /\ LET e == Head(wire[r])
           behind == IF StopsBehindRefused THEN SameKey(e, Range(wire[r])) ELSE {e}
       IN /\ wire' = [wire EXCEPT ![r] = Without(@, behind)]
          /\ replies' = [replies EXCEPT ![r] = @ \cup {<<f, "refused">> : f \in behind}]
          /\ queue' \in {queue, Append(queue, e)}    \* a refused message may be queued nevertheless
    /\ UNCHANGED <<outbox, failed, session, hand, unconfirmed, confirmed, old>>
    /\ UNCHANGED recording

\* ---- faults

Forget(r) ==
    /\ hand' = [hand EXCEPT ![r] = {}]
    /\ unconfirmed' = [unconfirmed EXCEPT ![r] = {}]
    /\ confirmed' = [confirmed EXCEPT ![r] = {}]
    /\ replies' = [replies EXCEPT ![r] = {}]
    /\ wire' = [wire EXCEPT ![r] = <<>>]
    /\ old' \in {old, [old EXCEPT ![r] = @ \o wire[r]]}

LoseBroker(r) ==
    /\ unconfirmed[r] # {} /\ faults < MaxFaults
    /\ faults' = faults + 1
    /\ Forget(r)
    /\ UNCHANGED <<outbox, failed, session, queue>> /\ UNCHANGED recording

NewLeader(r) ==
    /\ session # r /\ faults < MaxFaults
    /\ faults' = faults + 1
    /\ session' = r
    /\ Forget(r)
    /\ UNCHANGED <<outbox, failed, queue>> /\ UNCHANGED recording

Relaying(r) ==
    \/ Read(r) \/ Confirmed(r) \/ Refused(r) \/ Mark(r) \/ Take(r)
    \/ \E e \in Events : Send(r, e)

Next ==
    \/ \E e \in Events : DrawEarly(e) \/ Lock(e) \/ Commit(e) \/ RollBack(e) \/ Due(e)
    \/ \E r \in Relays : Relaying(r) \/ TakeOld(r) \/ Refuse(r) \/ LoseBroker(r) \/ NewLeader(r)

Spec == Init /\ [][Next]_vars
Fair == \A r \in Relays : WF_vars(Relaying(r)) /\ \A e \in Events : WF_vars(Due(e))
FairSpec == Spec /\ Fair

\* ---- the promise

\* An event is in the queue only after all earlier ones of its key.
InOrder ==
    \A i \in DOMAIN queue : \A e \in SameKey(queue[i], Events) :
        (tx[e] = "committed" /\ sequence[e] < sequence[queue[i]])
            => \E j \in 1..(i - 1) : queue[j] = e

\* Every event that has left the outbox is in the queue.
NothingLost == \A e \in Events : tx[e] = "committed" => e \in outbox \/ e \in Range(queue)

NothingInvented == \A e \in Range(queue) : tx[e] = "committed"

\* Every committed event is sent and marked, once faults have ended.
Sent == \A e \in Events : (tx[e] = "committed") ~> (e \in Range(queue) /\ e \notin outbox)
=============================================================================
