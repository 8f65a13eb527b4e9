story: The coordinator dies before BEGUN is on its disk: nobody has heard of anything
about: crash: coordinator before COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care before writing BEGUN
settle s1 100.00 of li at care
expect care is down
expect s1 unheard
expect nothing of s1 at east
restart care
expect care is open
wait 1s
send s1 again
expect s1 done
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
