story: A plan whose life is over is not settled
about: plan: its life is short
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
wait 6m
settle s1 100.00 of li at care by plan p1
expect s1 refused PLAN_UNKNOWN
expect wang has 500.00
