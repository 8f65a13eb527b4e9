story: A reversal after the settlement gives everything back, as often as it is sent
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
reverse s1 as v1
expect v1 done
expect reversal of s1 reversed
expect li has 30.00
expect wang has 500.00
reverse s1 as v2
expect v2 says state reversed
expect wang has 500.00
send s1 again
expect s1 done
expect wang has 500.00
