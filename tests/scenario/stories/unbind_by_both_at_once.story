story: Payer and recipient end their relation in the same moment at two nodes: it is over, and both hear so
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

unbind u1 of wang_li by the payer
unbind u2 of wang_li by the recipient
expect u1 done
expect u2 done
expect binding wang_li ended at east
expect binding wang_li ended at home
settle s1 100.00 of li at care
expect s1 says psn_cash_pay 70.00
