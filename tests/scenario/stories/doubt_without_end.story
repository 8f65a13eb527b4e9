story: Both participants voted YES and the coordinator is gone: no timer gives the money back, and after five minutes somebody is called
about: doubt: no timer releases a hold
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care before writing COMMITTED as coordinator
settle s1 100.00 of li at care
expect care is down
for 10m expect east holds 70.00
expect alarm in_doubt at east
expect alarm in_doubt at home
expect li can spend 0.00
restart care
expect s1 ABORTED at east
expect s1 ABORTED at home
expect wang can spend 500.00
