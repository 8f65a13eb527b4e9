story: The coordinator dies with BEGUN on its disk and nothing said: aborted, and the same request runs again
about: crash: coordinator before COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care after writing BEGUN
settle s1 100.00 of li at care
expect care is down
expect s1 unheard
restart care
expect first try of s1 ABORTED at care
expect request s1 open
wait 1s
send s1 again
expect s1 done
expect s1 COMMITTED at east
expect wang has 430.00
