story: A coordinator's store is put back to before a reversal that was done: it is not done twice
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect everything decided
back up care
reverse s1 as v1
expect reversal of s1 reversed
expect wang has 500.00
crash care
wait 2s
restore care
restart care
expect alarm resync_needed at care
expect care is open
reverse s1 as v2
expect v2 done
expect everything decided
expect wang has 500.00
expect li has 30.00
