story: The money that a plan counted on is gone: the client is shown the new plan instead of a bill
given provinces care, home, east
given li of home with 0.00
given chen of home with 0.00
given wang of east with 500.00
given wang pays for li
given wang pays for chen

plan p1 400.00 of li at care
expect p1 done
settle s1 450.00 of chen at home
expect s1 done
settle s2 400.00 of li at care by plan p1
expect s2 refused PLAN_CHANGED
expect wang has 50.00
