story: A participant's flush of COMMITTED is torn: still PREPARED, the commit comes again
about: crash: participant around COMMITTED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east before writing COMMITTED as participant
settle s1 100.00 of li at care
expect s1 done
expect east is down
expect s1 PREPARED at east
expect east holds 70.00
restart east
expect s1 COMMITTED at east
expect wang has 430.00
