story: The answer to a refund is lost and the message comes again: the money comes back once
about: crash: coordinator after COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
crash care after writing COMMITTED as coordinator
refund r1 40.00 of s1
expect r1 unheard
restart care
send r1 again
expect r1 done
expect r1 says remaining 60.00
expect wang has 470.00
