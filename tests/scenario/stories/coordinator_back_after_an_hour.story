story: The coordinator comes back an hour after its COMMIT was on its disk: it commits everywhere
about: crash: coordinator after COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care after writing COMMITTED as coordinator
settle s1 100.00 of li at care
expect care is down
wait 1h
expect alarm in_doubt at east
expect alarm in_doubt at home
expect east holds 70.00
restart care
expect s1 COMMITTED at east
expect s1 COMMITTED at home
send s1 again
expect s1 done
expect wang has 430.00
