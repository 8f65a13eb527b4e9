story: A payer's province is down and the rules say skip: a degraded plan, cash instead
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east
settle s1 100.00 of li at care
expect s1 done
expect s1 explains unreachable
expect s1 paid by li 30.00
expect s1 says psn_cash_pay 70.00
restart east
settle s2 50.00 of li at care
expect s2 paid by wang 50.00
expect wang has 450.00
