story: Every message comes twice on every way: counters move, nothing else
about: messages: a duplicate changes counters only
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

duplicate every message from care to home
duplicate every message from care to east
duplicate every message from home to care
duplicate every message from east to care
settle s1 100.00 of li at care
expect s1 done
expect wang has 430.00
refund r1 50.00 of s1
expect r1 done
expect wang has 480.00
reverse s1 as v1
expect reversal of s1 reversed
expect li has 30.00
expect wang has 500.00
