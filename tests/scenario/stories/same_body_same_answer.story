story: A hospital that lost the answer sends the same message again and hears the same words
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
send s1 again
expect s1 answered as before
expect wang has 430.00
crash care
restart care
send s1 again
expect s1 answered as before
expect wang has 430.00
