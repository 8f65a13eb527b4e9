story: A reversal comes to a node that has not heard all its peers: not now, and later it comes out
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
crash care
restart care without witness
expect care is gate
reverse s1 as v1
expect v1 refused GATE
restart east
expect care is open
reverse s1 as v2
expect reversal of s1 reversed
expect wang has 500.00
