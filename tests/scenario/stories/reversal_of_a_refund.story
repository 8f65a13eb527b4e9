story: The reversal of a refund is not offered: the client hears so, no money moves, and the message itself tells what became of it
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
expect wang has 470.00
reverse r1 as v1
expect v1 refused NOT_SUPPORTED
expect wang has 470.00
send r1 again
expect r1 done
expect wang has 470.00
