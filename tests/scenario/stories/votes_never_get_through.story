story: No vote of a payer's node gets through for a while: it is left out, and nothing stays held
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

lose every vote from east to care
settle s1 100.00 of li at care
expect s1 done
expect s1 paid by li 30.00
expect east holds 0.00 within 2m
expect wang has 500.00
