story: Five hospitals' messages at once on one account, each for a third of it: three are paid by it
given provinces care, home, east
given li of home with 0.00
given wang of east with 500.00
given wang pays for li

settle s1 150.00 of li at care agreeing to 0.00 cash
settle s2 150.00 of li at care agreeing to 0.00 cash
settle s3 150.00 of li at care agreeing to 0.00 cash
settle s4 150.00 of li at care agreeing to 0.00 cash
settle s5 150.00 of li at care agreeing to 0.00 cash
expect everything decided
expect wang has 50.00
