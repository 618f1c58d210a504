------------------------------- MODULE Barrier -------------------------------
(* A barrier on its way through relay, queue, partition router and partitions to the reader.

   The relay takes a snapshot of the log. It sends the barrier once everything that the snapshot sees
   is sent, except events that keep failing, which it lists. The router forwards each message to the
   partition of its key, and the barrier to all partitions. The reader counts a barrier as passed once
   it has come through every partition; each partition stores it with the effects before it. *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    Events,                 \* 1, 2, ...; odd and even ones have keys in different partitions
    MaxFaults,
    WaitsForUnsent,         \* the barrier waits until everything that its snapshot sees is sent
    ListsStuck,             \* events that keep failing are listed as not covered
    OrderPastBarrier,       \* in the router no message overtakes a barrier, and no barrier a message
    AckAfterHandedOn,       \* the router acks only messages that have arrived in a partition
    NotesWithEffects,       \* a barrier is stored with the effects before it, not when it is read
    ThroughAllPartitions    \* passed means: through every partition

VARIABLES committed, unsent, stuck, asked, snapshot, except, sent,
          queue, routed, wire, parts, reading, effects, noted, faults

vars == <<committed, unsent, stuck, asked, snapshot, except, sent,
          queue, routed, wire, parts, reading, effects, noted, faults>>

Partitions == {0, 1}
Barrier == 0    \* in a queue, in place of an event
Part(e) == e % 2
Range(s) == {s[i] : i \in DOMAIN s}
Cut(s, n) == SubSeq(s, 1, n - 1) \o SubSeq(s, n + 1, Len(s))

Init ==
    /\ committed = {} /\ unsent = {} /\ stuck = {}
    /\ asked = {} /\ snapshot = {} /\ except = {} /\ sent = FALSE
    /\ queue = <<>> /\ routed = 0 /\ wire = <<>>
    /\ parts = [p \in Partitions |-> <<>>]
    /\ reading = [p \in Partitions |-> 0]
    /\ effects = {} /\ noted = {} /\ faults = 0

owner == <<committed, unsent, stuck, asked, snapshot, except, sent>>
reader == <<parts, reading, effects, noted>>

Commit(e) ==
    /\ e \notin committed
    /\ committed' = committed \cup {e}
    /\ unsent' = unsent \cup {e}
    /\ UNCHANGED <<stuck, asked, snapshot, except, sent, queue, routed, wire, faults>>
    /\ UNCHANGED reader

Publish(e) ==
    /\ e \in unsent
    /\ unsent' = unsent \ {e} /\ stuck' = stuck \ {e}
    /\ queue' = Append(queue, e)
    /\ UNCHANGED <<committed, asked, snapshot, except, sent, routed, wire, faults>>
    /\ UNCHANGED reader

PublishFails(e) ==
    /\ e \in unsent \ stuck /\ faults < MaxFaults
    /\ faults' = faults + 1
    /\ stuck' = stuck \cup {e}
    /\ UNCHANGED <<committed, unsent, asked, snapshot, except, sent, queue, routed, wire>>
    /\ UNCHANGED reader

Snapshot ==
    /\ asked = {} /\ committed # {}
    /\ asked' = committed /\ snapshot' = committed
    /\ UNCHANGED <<committed, unsent, stuck, except, sent, queue, routed, wire, faults>>
    /\ UNCHANGED reader

SendBarrier ==
    /\ snapshot # {} /\ ~sent
    /\ WaitsForUnsent => (snapshot \cap unsent) \subseteq stuck
    /\ except' = IF ListsStuck THEN snapshot \cap unsent \cap stuck ELSE {}
    /\ sent' = TRUE
    /\ queue' = Append(queue, Barrier)
    /\ UNCHANGED <<committed, unsent, stuck, asked, snapshot, routed, wire, faults>>
    /\ UNCHANGED reader

\* ---- the router: `routed` is its read position, `wire` what it has sent to the broker

Copies(m) == IF m = Barrier THEN <<<<0, Barrier>>, <<1, Barrier>>>> ELSE <<<<Part(m), m>>>>

Route ==
    /\ routed < Len(queue)
    /\ wire' = wire \o Copies(queue[routed + 1])
    /\ routed' = routed + 1
    /\ UNCHANGED <<queue, faults>> /\ UNCHANGED owner /\ UNCHANGED reader

Arrive ==
    \E n \in DOMAIN wire :
        LET p == wire[n][1]
            m == wire[n][2]
        IN
        \* Within a key the broker keeps the order; between keys only if that is asked for.
        /\ \A j \in 1..(n - 1) :
            ~(wire[j][1] = p /\ (OrderPastBarrier \/ (wire[j][2] # Barrier /\ m # Barrier)))
        /\ parts' = [parts EXCEPT ![p] = Append(@, m)]
        /\ wire' = Cut(wire, n)
    /\ UNCHANGED <<queue, routed, reading, effects, noted, faults>> /\ UNCHANGED owner

Ack ==
    /\ routed > 0
    /\ AckAfterHandedOn => wire = <<>>
    /\ queue' = SubSeq(queue, routed + 1, Len(queue))
    /\ routed' = 0
    /\ UNCHANGED <<wire, faults>> /\ UNCHANGED owner /\ UNCHANGED reader

RouterDies ==
    /\ (routed > 0 \/ wire # <<>>) /\ faults < MaxFaults
    /\ faults' = faults + 1
    /\ routed' = 0
    /\ wire' = <<>>
    /\ UNCHANGED queue /\ UNCHANGED owner /\ UNCHANGED reader

\* ---- a partition's reader: reads, then commits; `reading` is the number of messages read

ReadOne(p) ==
    /\ reading[p] < Len(parts[p])
    /\ reading' = [reading EXCEPT ![p] = @ + 1]
    /\ noted' = IF ~NotesWithEffects /\ parts[p][reading[p] + 1] = Barrier
                THEN noted \cup {p} ELSE noted
    /\ UNCHANGED <<parts, effects>>
    /\ UNCHANGED <<queue, routed, wire, faults>> /\ UNCHANGED owner

CommitRead(p) ==
    /\ reading[p] > 0
    /\ LET batch == {parts[p][i] : i \in 1..reading[p]} IN
       /\ effects' = effects \cup (batch \ {Barrier})
       /\ noted' = IF Barrier \in batch THEN noted \cup {p} ELSE noted
    /\ parts' = [parts EXCEPT ![p] = SubSeq(@, reading[p] + 1, Len(@))]
    /\ reading' = [reading EXCEPT ![p] = 0]
    /\ UNCHANGED <<queue, routed, wire, faults>> /\ UNCHANGED owner

Next ==
    \/ \E e \in Events : Commit(e) \/ Publish(e) \/ PublishFails(e)
    \/ Snapshot \/ SendBarrier \/ Route \/ Arrive \/ Ack \/ RouterDies
    \/ \E p \in Partitions : ReadOne(p) \/ CommitRead(p)

Spec == Init /\ [][Next]_vars
FairSpec == Spec /\ WF_vars(SendBarrier) /\ WF_vars(Route) /\ WF_vars(Arrive) /\ SF_vars(Ack)
    /\ \A e \in Events : WF_vars(Publish(e))
    /\ \A p \in Partitions : WF_vars(ReadOne(p)) /\ SF_vars(CommitRead(p))

Passed == IF ThroughAllPartitions THEN noted = Partitions ELSE noted # {}

\* Once a barrier has passed, nothing that it covers is missing.
NeverAhead == Passed => (snapshot \ except) \subseteq effects

\* It covers everything committed when it was requested.
CoversAll == asked \subseteq snapshot

\* Every barrier that was sent passes, whatever else happens.
Passes == sent ~> Passed
=============================================================================
