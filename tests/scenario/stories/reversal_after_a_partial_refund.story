story: A reversal after a partial refund gives back the rest, not more
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
refund r1 20.00 of s1
expect r1 done
expect wang has 450.00
reverse s1 as v1
expect v1 done
expect reversal of s1 reversed
expect li has 30.00
expect wang has 500.00
