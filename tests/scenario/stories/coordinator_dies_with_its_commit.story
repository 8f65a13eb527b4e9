story: The client was told done, no COMMIT got through, and the coordinator dies: it commits after its start, as it said
about: crash: coordinator after COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
cut words of care to east
cut words of care to home
thaw home
expect s1 done
expect s1 PREPARED at east
expect s1 PREPARED at home
crash care
heal care and east
heal care and home
for 6s expect east holds 70.00
restart care
expect s1 COMMITTED at east
expect s1 COMMITTED at home
send s1 again
expect s1 done
expect wang has 430.00
