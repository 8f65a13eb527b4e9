story: The payer's rules cap what he gives at once: the rest is cash
given provinces care, home, east
given rule per_settlement_cap 50.00
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect s1 paid by li 30.00, wang 50.00
expect s1 says psn_cash_pay 20.00
