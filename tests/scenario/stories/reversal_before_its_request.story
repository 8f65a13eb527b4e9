story: A reversal of a message nobody knows, then the message itself: it is refused for ever
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

draft s1 100.00 of li at care
reverse s1 as v1
expect v1 done
expect v1 says state reversed
send s1
expect s1 refused REVERSED
reverse s1 as v2
expect v2 says state reversed
expect wang has 500.00
