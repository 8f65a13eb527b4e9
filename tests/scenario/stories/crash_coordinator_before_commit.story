story: The coordinator dies with every YES in memory and no COMMIT on its disk: aborted everywhere, the retry pays
about: crash: coordinator before COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care before writing COMMITTED as coordinator
settle s1 100.00 of li at care
expect care is down
expect s1 PREPARED at east
expect s1 PREPARED at home
expect east holds 70.00
restart care
expect first try of s1 ABORTED at care
expect first try of s1 ABORTED at east
expect first try of s1 ABORTED at home
expect wang can spend 500.00
send s1 again
expect s1 done
expect wang has 430.00
