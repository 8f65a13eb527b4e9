story: A vote is lost: PREPARE comes again and is answered with the same vote
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

lose next vote from east to care
settle s1 100.00 of li at care
expect s1 done within 2s
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
