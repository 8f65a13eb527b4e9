story: Midnight passes between PREPARE and COMMIT: the day is the one that PREPARE signed
given provinces care, home, east
given time 23:59:59
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every vote from east to care as late
settle s1 100.00 of li at care
expect s1 PREPARED at east
wait 2s
release late
let vote pass from east to care
expect s1 done
expect s1 says business_date 2026-11-18
expect wang has 430.00
settle s2 10.00 of li at care
expect s2 says business_date 2026-11-19
