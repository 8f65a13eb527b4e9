story: A payer revokes while a draw is prepared: what was promised is paid, and nothing after it
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
unbind u1 of wang_li by the payer
expect u1 done
expect binding wang_li ended at east
thaw home
expect s1 done
expect wang has 430.00
expect binding wang_li ended at home
settle s2 10.00 of li at care
expect s2 done
expect s2 says psn_cash_pay 10.00
expect wang has 430.00
