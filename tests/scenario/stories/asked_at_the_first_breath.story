story: A request arrives in the same moment in which its node starts: it is served like any other
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care
restart care
settle s1 100.00 of li at care
expect s1 done
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
