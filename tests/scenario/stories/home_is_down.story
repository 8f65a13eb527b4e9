story: The patient's home is down: refused, nothing is paid; back again it works
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash home
settle s1 100.00 of li at care
expect s1 refused HOME_UNREACHABLE
expect wang has 500.00
restart home
settle s2 100.00 of li at care
expect s2 paid by li 30.00, wang 70.00
expect wang has 430.00
