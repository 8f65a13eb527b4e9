story: The coordinator dies after one PREPARE: whoever got it gives its hold back
about: crash: coordinator before COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care after sending core
settle s1 100.00 of li at care
expect care is down
restart care
expect first try of s1 ABORTED at care
expect everything decided
expect home holds 0.00
expect east holds 0.00
expect li can spend 30.00
send s1 again
expect s1 done
expect wang has 430.00
