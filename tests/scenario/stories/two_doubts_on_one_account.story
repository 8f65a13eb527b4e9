story: Two transactions on one account are in doubt at once, and end differently
about: crash: coordinator before COMMITTED is flushed
given provinces care, home, east, north
given li of home with 30.00
given chen of north with 0.00
given wang of east with 500.00
given wang pays for li
given wang pays for chen

crash care before writing COMMITTED as coordinator
crash north before writing COMMITTED as coordinator
settle s1 100.00 of li at care
settle s2 50.00 of chen at north
expect care is down
expect north is down
expect east holds 120.00
expect wang can spend 380.00
restart north
expect first try of s2 ABORTED at east
expect east holds 70.00
restart care
expect first try of s1 ABORTED at east
expect wang can spend 500.00
expect care is open
expect north is open
wait 1s
send s1 again
send s2 again
expect s1 done
expect s2 done
expect wang has 380.00
