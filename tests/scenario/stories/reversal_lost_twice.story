story: The coordinator dies twice while it reverses: the money comes back once
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash care after writing BEGUN
reverse s1 as v1
expect care is down
restart care
crash care after writing COMMITTED as coordinator
expect care is down
restart care
expect reversal of s1 reversed
expect li has 30.00
expect wang has 500.00
