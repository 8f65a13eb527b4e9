story: A payer's province is down and the rules say refuse: nothing is paid
given provinces care, home, east
given rule on_unreachable REFUSE
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east
settle s1 100.00 of li at care
expect s1 refused PAYER_UNREACHABLE
expect li has 30.00
restart east
settle s2 100.00 of li at care
expect s2 paid by li 30.00, wang 70.00
expect wang has 430.00
