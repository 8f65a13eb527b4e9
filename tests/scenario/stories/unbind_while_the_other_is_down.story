story: A citizen revokes while the other province is down: effective at once, told when it is back
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash home
unbind u1 of wang_li by the payer
expect u1 done
expect binding wang_li ended at east
wait 5s
restart home
expect binding wang_li ended at home
settle s1 100.00 of li at care
expect s1 says psn_cash_pay 70.00
expect wang has 500.00
