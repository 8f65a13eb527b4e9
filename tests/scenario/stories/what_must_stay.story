story: A payer's rules keep an amount on his account: he gives what is above it
given provinces care, home, east
given rule min_retention 100.00
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 600.00 of li at care
expect s1 done
expect s1 paid by li 30.00, wang 400.00
expect wang has 100.00
settle s2 10.00 of li at care
expect s2 says psn_cash_pay 10.00
