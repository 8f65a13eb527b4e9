story: The ABORT overtakes the PREPARE: there is nothing to undo, and the node remembers (empty rollback)
about: participant NONE, ABORT: tombstone
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
hold every core from care to east as late
settle s1 100.00 of li at care by plan p1
expect first try of s1 ABORTED at care
expect first try of s1 REFUSED at east
expect east holds 0.00
let core pass from care to east
expect s1 refused PLAN_CHANGED
