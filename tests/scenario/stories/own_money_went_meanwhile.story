story: The patient's own money is spent between plan and settlement: he is shown the new plan
given provinces care, home, east
given li of home with 100.00

plan p1 80.00 of li at care
expect p1 done
settle s2 90.00 of li at east
expect s2 done
settle s1 80.00 of li at care by plan p1
expect s1 refused PLAN_CHANGED
expect li has 10.00
