story: A refund and a reversal of one settlement at once: together they return what was paid, not more
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
refund r1 40.00 of s1
reverse s1 as v1
expect everything decided
expect reversal of s1 reversed
expect li has 30.00
expect wang has 500.00
