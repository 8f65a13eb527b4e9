story: A reversal comes while the settlement is being prepared: it is aborted and stays refused
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
reverse s1 as v1
expect v1 done
expect v1 says state reversed
thaw home
expect s1 refused REVERSED
expect everything decided
send s1 again
expect s1 refused REVERSED
expect li has 30.00
expect wang has 500.00
