story: The PREPARE comes after its ABORT: it is refused and holds nothing (hanging prevention)
about: participant REFUSED, PREPARE: send_vote
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every core from care to east as late
settle s1 100.00 of li at care
expect first try of s1 ABORTED at care
let core pass from care to east
expect s1 done
expect s1 explains unreachable
release late
wait 2s
expect first try of s1 REFUSED at east
expect east holds 0.00
expect wang has 500.00
