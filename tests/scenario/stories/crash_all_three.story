story: All three die in one settlement, each at another record: one outcome
about: crash: coordinator after COMMITTED is flushed
about: crash: participant around COMMITTED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care after writing COMMITTED as coordinator
settle s1 100.00 of li at care
expect care is down
crash home
crash east
restart east
restart home
for 15s expect s1 PREPARED at home
crash home after writing COMMITTED as participant
restart care
expect home is down
restart home
expect s1 COMMITTED at home
expect s1 COMMITTED at east
send s1 again
expect s1 done
expect wang has 430.00
