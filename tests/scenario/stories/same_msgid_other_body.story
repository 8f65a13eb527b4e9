story: The same message id with another amount is a conflict, not a second payment
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
send s1 again with 90.00
expect s1 refused CONFLICT
expect wang has 430.00
