story: Two messages settle one plan: the second finds it used up
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 300.00 of li at care
expect p1 done
settle s1 300.00 of li at care by plan p1
expect s1 done
settle s2 300.00 of li at care by plan p1
expect s2 refused PLAN_UNKNOWN
expect wang has 230.00
