story: The coordinator dies with COMMIT on its disk and nothing said: it commits, and the client hears done when it asks again
about: crash: coordinator after COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care after writing COMMITTED as coordinator
settle s1 100.00 of li at care
expect care is down
expect s1 unheard
for 20s expect s1 PREPARED at east
for 10s expect east holds 70.00
restart care
expect s1 COMMITTED at east
expect s1 COMMITTED at home
send s1 again
expect s1 done
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
