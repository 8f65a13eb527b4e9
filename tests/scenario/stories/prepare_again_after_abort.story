story: A PREPARE that was under way for long arrives after its abort: the participant shows the abort and never votes again
about: participant ABORTED, PREPARE: status_aborted
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold next core from care to east as late
lose every vote from home to care
settle s1 100.00 of li at care
expect first try of s1 PREPARED at east
expect first try of s1 ABORTED at east
let vote pass from home to care
release late
wait 3s
expect first try of s1 ABORTED at east
expect everything decided
