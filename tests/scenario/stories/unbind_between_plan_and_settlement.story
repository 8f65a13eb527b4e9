story: A payer revokes after the plan was made: the plan no longer holds, he pays nothing
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
unbind u1 of wang_li by the payer
expect u1 done
settle s1 100.00 of li at care by plan p1
expect s1 refused PLAN_CHANGED
expect wang has 500.00
