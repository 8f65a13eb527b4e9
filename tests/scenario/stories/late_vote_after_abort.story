story: A YES arrives after the deadline: it is answered with ABORT, and the hold is given back
about: coordinator ABORTED, YES: resend_abort
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every vote from east to care as late
lose next abort from care to east
settle s1 100.00 of li at care
expect first try of s1 ABORTED at care
expect first try of s1 PREPARED at east
expect s1 done
let vote pass from east to care
release late
expect first try of s1 ABORTED at east within 1s
expect wang can spend 500.00
