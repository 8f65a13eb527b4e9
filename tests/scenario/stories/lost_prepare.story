story: A PREPARE is lost: it comes again within the deadline
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

lose next core from care to east
settle s1 100.00 of li at care
expect s1 done within 2s
expect wang has 430.00
