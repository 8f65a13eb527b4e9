story: A payer revokes and the word does not reach the patient's home: his own node refuses all the same
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

lose every revoke from east to home
unbind u1 of wang_li by the payer
expect u1 done
settle s1 100.00 of li at care
expect s1 done
expect s1 says psn_cash_pay 70.00
expect wang has 500.00
let revoke pass from east to home
expect binding wang_li ended at home within 2m
