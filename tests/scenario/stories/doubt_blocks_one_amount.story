story: While one amount is in doubt, the rest of the same account pays
about: doubt: one amount is blocked, never the account
given provinces care, home, east, north
given li of home with 30.00
given chen of home with 0.00
given wang of east with 500.00
given wang pays for li
given wang pays for chen

crash care before writing COMMITTED as coordinator
settle s1 100.00 of li at care
expect care is down
expect wang can spend 430.00
settle s2 400.00 of chen at north
expect s2 done
expect s2 paid by wang 400.00
expect wang has 100.00
expect wang can spend 30.00
restart care
expect wang can spend 100.00
