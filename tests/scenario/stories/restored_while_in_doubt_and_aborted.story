story: A store is put back to before a vote whose transaction was aborted meanwhile: nothing is held, nothing is missing
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up east
lose every vote from home to care
settle s1 100.00 of li at care
expect s1 refused HOME_UNREACHABLE
expect first try of s1 ABORTED at east
let vote pass from home to care
crash east
wait 2s
restore east
restart east
expect alarm resync_needed at east
expect east is open
expect east holds 0.00
expect wang has 500.00
settle s2 100.00 of li at care
expect s2 paid by li 30.00, wang 70.00
