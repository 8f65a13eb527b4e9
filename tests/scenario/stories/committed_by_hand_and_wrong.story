story: Two people commit by hand and the truth is ABORTED: a mirror entry undoes it, an alarm and a case say so
about: by hand: two people
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
wait 200ms
cut care from east
cut home from east
crash care
thaw home

zhao proposes commit of s1 at east as d1
expect d1 done
qian confirms commit of s1 at east as d2
expect d2 done
expect wang has 430.00
heal care and east
heal home and east
restart care
expect alarm case_opened at east
expect wang has 500.00
send s1 again
expect s1 done
expect wang has 430.00
